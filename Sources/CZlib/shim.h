// The header of zlib, which unpacks gzip.
#pragma once
#include <zlib.h>
