// Memory that runs out on purpose, for the tests of this folder: each folder's test program links its own testing/ only.
#include "net/testing/scarce_memory.cc"
