// The settings of glibc's allocator, which Swift's Glibc module leaves out.
#pragma once
#ifdef __linux__
#include <malloc.h>
#endif
