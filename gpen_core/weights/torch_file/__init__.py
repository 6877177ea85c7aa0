"""Files of torch.save, read without torch's unpickler: an interpreter that can only make tables of tensors.

``archive`` (a zip) and ``stream`` (torch's old layout) say where in the file what lies, ``unpickle`` interprets the pickle,
``constructors`` says what it may name, ``tensors`` checks each tensor against its storage and maps it.
"""
