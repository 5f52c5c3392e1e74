package picture

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

func cfg(f func(io.Reader) (image.Config, error)) func([]byte) (header, error) {
	return func(data []byte) (header, error) {
		c, err := f(bytes.NewReader(data))
		return header{width: c.Width, height: c.Height}, err
	}
}

var (
	isJPEG = hasPrefix("\xff\xd8\xff")
	isPNG  = hasPrefix("\x89PNG\r\n\x1a\n")
	isBMP  = hasPrefix("BM")
	isGIF  = hasPrefix("GIF8")
)

func isWebP(d []byte) bool {
	return len(d) >= 12 && string(d[:4]) == "RIFF" && string(d[8:12]) == "WEBP"
}
func isTIFF(d []byte) bool {
	return bytes.HasPrefix(d, []byte("II*\x00")) || bytes.HasPrefix(d, []byte("MM\x00*"))
}

func jpegHeader(d []byte) (header, error) { return cfg(jpeg.DecodeConfig)(d) }
func pngHeader(d []byte) (header, error)  { return cfg(png.DecodeConfig)(d) }
func webpHeader(d []byte) (header, error) { return cfg(webp.DecodeConfig)(d) }
func tiffHeader(d []byte) (header, error) { return cfg(tiff.DecodeConfig)(d) }
func bmpHeader(d []byte) (header, error)  { return cfg(bmp.DecodeConfig)(d) }
func gifHeader(d []byte) (header, error)  { return cfg(gif.DecodeConfig)(d) }

func jpegPixels(d []byte, _ header) (image.Image, error) { return jpeg.Decode(bytes.NewReader(d)) }
func pngPixels(d []byte, _ header) (image.Image, error)  { return png.Decode(bytes.NewReader(d)) }
func webpPixels(d []byte, _ header) (image.Image, error) { return webp.Decode(bytes.NewReader(d)) }
func tiffPixels(d []byte, _ header) (image.Image, error) { return tiff.Decode(bytes.NewReader(d)) }
func bmpPixels(d []byte, _ header) (image.Image, error)  { return bmp.Decode(bytes.NewReader(d)) }
func gifPixels(d []byte, _ header) (image.Image, error)  { return gif.Decode(bytes.NewReader(d)) }

func orient(img *image.NRGBA, orientation int) *image.NRGBA { return img }
