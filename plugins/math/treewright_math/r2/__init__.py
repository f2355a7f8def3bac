"""R2: retrieval at two levels, around any policy and any reward model."""
