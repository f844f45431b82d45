"""Users and rights on both servers, made from the code's own tables (`python -m deploy.rights`)."""
