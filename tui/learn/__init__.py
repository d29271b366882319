"""What the Learn screen and a lesson that is under way show, without widgets."""
