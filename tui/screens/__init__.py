"""The screens of the app: two modes and the windows that open over them."""
