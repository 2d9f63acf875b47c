// Everything of the nn layer.
#pragma once

#include "nn/attention/additive.h"
#include "nn/attention/attention.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/losses.h"
#include "nn/module.h"
#include "nn/optim/optimizer.h"
#include "nn/optim/schedule.h"
#include "nn/rnn.h"
#include "nn/transformer.h"
