"""What a command runs that is no part of a lesson: JupyterLab, the doctor, chat, checking a notebook."""
