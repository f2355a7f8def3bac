"""Knowledge bases of problems and solution steps, and the retriever that searches them."""
