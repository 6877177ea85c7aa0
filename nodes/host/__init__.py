"""Everything that touches ComfyUI: its folders, its memory manager, its tensors and its progress bar."""
