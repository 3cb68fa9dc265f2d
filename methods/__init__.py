"""Methods of transfer: what each needs of a picture, keeps of a style and fits; and `render`, which paints with any."""
