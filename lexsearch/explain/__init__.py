"""Why a picture was found: words, alignment, pictures of both."""
