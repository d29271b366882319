"""What the screens are made of; widgets know neither trainer nor session."""
