// Package picture turns files into pixels and back.
//
// Every byte that it reads is taken for hostile: the limits hold before
// anything is allocated, and a decoder's panic becomes an error.
package picture
