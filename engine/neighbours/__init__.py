"""What a trained run gives to other tools: ranked lists, vectors, a model card."""
