"""What a ConvNet has to beat: k-NN, and the ladder of networks up to it."""
