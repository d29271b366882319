"""Networks of other programs as architectures: ONNX files and PyTorch's ``nn.Sequential``."""
