"""Prints the vectors of compare_test.go: python3 testdata/vectors.py (numpy, scikit-image)."""
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def luma(p):
    return ((p.astype(int) @ [299, 587, 114] + 500) // 1000).astype(np.uint8)


for w, h, coarse, depth in [(64, 48, 1, 3), (64, 48, 1, 31), (101, 37, 9, 15), (200, 150, 4, 255), (11, 11, 2, 7)]:
    y, x, c = np.mgrid[0:h, 0:w, 0:3]
    a = ((3 * x + 5 * y + 50 * c + x * y // 7) // coarse % 256).astype(np.uint8)
    b = a ^ ((x * (c + 1) + 3 * y) & depth).astype(np.uint8)
    ssim = structural_similarity(luma(a), luma(b), gaussian_weights=True, sigma=1.5,
                                 use_sample_covariance=False, data_range=255)
    print(f"{{{w}, {h}, {coarse}, {depth}, {peak_signal_noise_ratio(a, b, data_range=255):.10f}, {ssim:.10f}}},")
