// Includes the declarations of all ops except those of spatial.h. Conventions: B batch, S source length, T
// target length, D feature, H hidden, V vocabulary. Tensors are f32 or f64 unless stated; all floating inputs
// of one call have the same dtype (else DTypeError). A mask is a tensor of dtype bool. Negative dims count
// from the end.
#pragma once

#include "framework/ops/arithmetic.h"
#include "framework/ops/combined.h"
#include "framework/ops/creation.h"
#include "framework/ops/indexed_attention.h"
#include "framework/ops/indexing.h"
#include "framework/ops/linalg.h"
#include "framework/ops/losses.h"
#include "framework/ops/most_probable.h"
#include "framework/ops/packed_weights.h"
#include "framework/ops/probability.h"
#include "framework/ops/products.h"
#include "framework/ops/recurrent.h"
#include "framework/ops/reductions.h"
#include "framework/ops/shapes.h"
#include "framework/ops/update.h"
