"""What good means, as figures, each by a named protocol: a figure may be compared with another of the same protocol only.

Pictures are compared by the features that a network gives them (`features`); real and generated ones by the same network.

- Fréchet distance (`frechet`; FID when the features are the Inception network's pool3): distance of the Gaussians fitted to
  both sets of features. Its statistics (`moments`) stream in constant memory, and can be saved for a reference set. Falls as
  the count grows: state the count.
- Kernel distance (`kernel`; KID): squared maximum mean discrepancy with a cubic kernel, mean and deviation over random
  subsets. Unbiased, so small sets can be compared.
- Inception Score (`inception_score`): how sure a classifier is of each picture, and how varied its answers are. Looks at no
  real picture.
- Precision and recall, density and coverage (`manifold`): how much of the fake lies where the real is, and how much of the
  real is reached, by balls around nearest neighbours. They tell bad pictures from missing variety, which one figure cannot.
- PSNR, SSIM and MS-SSIM (`similarity`): a picture against the picture that it should be, on RGB or luminance; mean MS-SSIM
  over random pairs of generated pictures says how alike they are.
- LPIPS (`lpips`): the same by features of VGG16; ST-LPIPS (`stlpips`) by those of a network that was trained for it, which
  shifts do not bother. Perceptual path length (`perceptual_path`): how far pictures move on the way from one latent to another.
- Modes (`modes`): how many of the modes of points in the plane samples cover.
"""
