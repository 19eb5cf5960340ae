// Payments as the Fraud Detection Handbook simulates them (Le Borgne et al. 2022, chapter 3, "Transaction data
// simulator"), written anew after its published description: customers with places, amounts and frequencies of their own,
// terminals within their reach, and three kinds of fraud.
//
//   1  every amount above 220
//   2  two terminals a day: everything they take in the next 28 days
//   3  three customers a day: of their payments of the next 14 days a third, five times as large
//
// Deterministic by seed; the numbers are not those of the Handbook's own generator.
#pragma once

#include <cstdint>
#include <vector>

#include "screen/payment.h"

namespace sotto {

struct PaymentSimulation {
  int customers = 5000;
  int terminals = 10000;
  int days = 183;
  double radius = 5;          // of a place of 100 by 100
  int64_t from = 1522540800;  // 2018-04-01
  uint64_t seed = 1;
};
// By time, ids from 0. `label` is set.
std::vector<Payment> SimulatePayments(const PaymentSimulation& options);

}  // namespace sotto
