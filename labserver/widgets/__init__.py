"""What reacts to a hand: ipywidgets and anywidgets, their JavaScript beside them."""
