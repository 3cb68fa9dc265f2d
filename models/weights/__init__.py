"""Where weights come from: the manifest, files and downloads, published key names, learnt styles."""
