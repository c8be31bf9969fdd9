// The header of libzstd, which unpacks zstd.
#pragma once
#include <zstd.h>
#include <zstd_errors.h>
