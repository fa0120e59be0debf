"""What is seen in a browser: it renders and calls operations. The customer's notice page is the first of it."""
