"""How the embedded model `bolt` is trained; README.md here tells the whole way.

python -m training.train --help
python -m training.export --help
python -m training.card --help
"""
