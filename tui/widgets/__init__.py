"""The widgets of the screens; they import neither trainer nor session."""
