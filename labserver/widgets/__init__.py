"""Interactive widgets: the chat windows and the wire inspector, with their JavaScript and CSS."""
