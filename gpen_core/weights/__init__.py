"""Any file of weights: the catalog of known ones, reading them safely, finding and downloading them."""
