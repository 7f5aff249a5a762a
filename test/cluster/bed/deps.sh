#!/bin/bash
# deps.sh - install the Debian packages that the test bed needs.   deps.sh [base] [gluster] [weak] [nfs] [mpi] [slurm]
# (no argument: all). Idempotent; starts no service (a policy file forbids it while apt runs, where none is there yet).
set -eu
declare -A P=(
  [base]="iproute2 util-linux procps nftables openssh-server openssh-client"
  [gluster]="glusterfs-server glusterfs-client fuse3"
  [weak]="libfuse3-dev fuse3 pkg-config gcc libc6-dev"
  [nfs]="user-mode-linux kmod nfs-common nfs-ganesha nfs-ganesha-vfs rpcbind gcc libc6-dev"
  [mpi]="openmpi-bin mpich"
  [slurm]="slurm-wlm munge libpmix-dev")   # (srun --mpi=pmix opens libpmix.so, a name that only libpmix-dev has)
[ $# -gt 0 ] || set -- "${!P[@]}"
want=(); for g in "$@"; do want+=(${P[$g]:?unknown group $g}); done
miss=(); for p in "${want[@]}"; do dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || miss+=("$p"); done
[ ${#miss[@]} -gt 0 ] || exit 0
pol=; [ -e /usr/sbin/policy-rc.d ] || { pol=1; printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; }
trap '[ -z "$pol" ] || rm -f /usr/sbin/policy-rc.d' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -q >/dev/null
apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "${miss[@]}" >/dev/null
