"""Looking inside: the table of views, and what each view draws. No view knows a screen."""
