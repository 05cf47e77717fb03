// SPDX-License-Identifier: Apache-2.0
/*
 * The remote procedure calls that manage a server over the pipes of its IPC$: lsarpc, samr, srvsvc,
 * winreg and wkssvc.
 */
#ifndef RPC_RPC_H
#define RPC_RPC_H

/* rpc_register - enter the pipes (fileserver/pipe.h); once, before the first client. */
void rpc_register(void);

#endif
