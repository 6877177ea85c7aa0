"""Words that settings have in common, apart from the classes of settings: whoever only lists them need not load those."""

AUTO = "auto"  # leaves the choice to what is there
ON = "on"
OFF = "off"
PROTECT_MODES = (AUTO, OFF)  # whether good faces are protected
VIDEO_MODES = (AUTO, ON, OFF)  # whether frames are taken for a clip
