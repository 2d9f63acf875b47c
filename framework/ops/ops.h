// Every op, declared, by kind. Shapes: B batch, S source length, T target length, D feature, H hidden, V vocabulary. dtypes: f32 or f64
// unless said; all floating inputs of one call share one dtype (DTypeError otherwise). A mask is a tensor of bool. Negative dims count from
// the end.
#pragma once

#include "framework/ops/arithmetic.h"
#include "framework/ops/indexing.h"
#include "framework/ops/losses.h"
#include "framework/ops/probability.h"
#include "framework/ops/products.h"
#include "framework/ops/recurrent.h"
#include "framework/ops/reductions.h"
#include "framework/ops/shapes.h"
#include "framework/ops/update.h"
