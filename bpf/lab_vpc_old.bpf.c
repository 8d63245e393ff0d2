// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The lab's VPC for kernels from 5.10 to 5.16: an ENI's groups may have eight
 * rules together in a direction, or nothing passes, and no packet is too big.
 */
#define LAB_OLD_KERNEL

#include "lab_vpc.bpf.c"
