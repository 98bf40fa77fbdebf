// The certificates that net's tests make on the spot, for the tests of this folder: each folder's test program links
// its own testing/ only.
#include "net/testing/tls_certificates.cc"
