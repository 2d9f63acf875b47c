// How good a classifier is.
#pragma once

#include "framework/core/tensor.h"

namespace heed::nn {

/// How often each class was taken for each.
/// @param predicted i64 [N], or scores [N, C], whose largest counts
/// @param targets i64 [N], in 0 .. classes - 1
/// @param classes C, at least 1
/// @return i64 [C, C]: row: the target, column: what was predicted
/// @throws ShapeError, DTypeError, IndexError for a class outside
Tensor confusion_matrix(const Tensor& predicted, const Tensor& targets, int64_t classes);
/// Share of predictions that are right.
/// @param predicted i64 [N], or scores [N, C], whose largest counts
/// @param targets i64 [N]
/// @return in [0, 1]; NaN for N = 0
/// @throws ShapeError, DTypeError
double accuracy(const Tensor& predicted, const Tensor& targets);
/// How the F1 scores of the classes become one number.
enum class Average : bool {
  macro,  // their mean
  micro   // one score of all decisions, which is the accuracy when each sample has one class
};
/// F1 of each class: 2 precision recall / (precision + recall) = 2 TP / (2 TP + FP + FN); 0 for a class that
/// is neither there nor predicted.
/// @param predicted i64 [N], or scores [N, C], whose largest counts
/// @param targets i64 [N], in 0 .. classes - 1
/// @param classes C, at least 1
/// @return f64 [C]
/// @throws as confusion_matrix()
Tensor f1_scores(const Tensor& predicted, const Tensor& targets, int64_t classes);
/// One number of f1_scores().
/// @param predicted,targets,classes as there
/// @param average how
/// @return in [0, 1]
/// @throws as confusion_matrix()
double f1_score(const Tensor& predicted, const Tensor& targets, int64_t classes,
                Average average = Average::macro);
/// Area under the receiver operating characteristic: the probability that a positive sample has a higher
/// score than a negative one, ties counting half (Fawcett 2006, sec. 7).
/// @param scores [N], floating, without NaN
/// @param targets a mask [N], or i64 of 0 and 1: which samples are positive
/// @return in [0, 1]; NaN without positive or without negative samples
/// @throws ShapeError, DTypeError, ValueError for a NaN or another target
double auroc(const Tensor& scores, const Tensor& targets);

}  // namespace heed::nn
