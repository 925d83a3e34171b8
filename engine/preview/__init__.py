"""What a method will see of a user, before anything is trained."""
