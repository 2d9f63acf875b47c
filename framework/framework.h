// Everything of the framework layer.
#pragma once

#include "framework/autograd/engine.h"
#include "framework/autograd/grad_mode.h"
#include "framework/autograd/gradcheck.h"
#include "framework/autograd/hooks.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/precision.h"
#include "framework/core/random.h"
#include "framework/core/tensor.h"
#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "framework/ops/apply.h"
#include "framework/ops/ops.h"
#include "framework/ops/spatial.h"
