"""Checkers that want more than views: a folder with the frozen files, a command run over them, an answer kept."""
