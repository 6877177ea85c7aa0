"""The example clips by name, apart from what makes them: a widget lists them at every start of ComfyUI."""

FILM, PHONE = "old film", "phone clip"
EXAMPLE_CLIPS = (FILM, PHONE)
