"""Reading the user's data files: JSON Lines or JSON, plain or gzip, or a data set of the Hugging Face hub."""
