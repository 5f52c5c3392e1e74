"""Runs the deterministic attacks of attacks.py: agree.py SHARED PICTURE OUT ATTACK...

Writes OUT/<attack>.png, and the picture itself as OUT/none.png.
"""
import importlib.util
import sys

import cv2
import numpy as np

shared, picture, out, *names = sys.argv[1:]
spec = importlib.util.spec_from_file_location("attacks", shared + "/attacks.py")
attacks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(attacks)
img = cv2.imread(picture, cv2.IMREAD_COLOR)
for name in ["none", *names]:
    done = attacks.ATTACKS[name](np.random.default_rng(1), img)
    cv2.imwrite(f"{out}/{name}.png", done, [cv2.IMWRITE_PNG_COMPRESSION, 1])
