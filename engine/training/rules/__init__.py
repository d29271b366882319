"""What the babysitter looks out for: each rule reads the facts and finds at most a fault or two."""
