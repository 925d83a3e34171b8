"""What people do after they have found their model: promote it, have lists made for everybody, refresh it."""
