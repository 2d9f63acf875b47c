// Everything of the models layer.
#pragma once

#include "models/data/batches.h"
#include "models/data/demo_corpus.h"
#include "models/decoding/search.h"
#include "models/decoding/translation.h"
#include "models/metrics/alignment_error.h"
#include "models/metrics/bleu.h"
#include "models/seq2seq/seq2seq.h"
#include "models/text/lines.h"
#include "models/text/tokenizer.h"
#include "models/text/vocabulary.h"
#include "models/training/evaluation.h"
#include "models/training/run_folder.h"
#include "models/training/trainer.h"
#include "models/translator.h"
