import { statfsSync } from 'node:fs';
import { checkDirectory, checkFileSystem, checkLog, checkSpace } from './check-directory.js';
import { checkFile } from './check-file.js';
import { checkCopies, checkJest, checkKeyv } from './check-packages.js';
import { checkPrimary } from './check-primary.js';
import { checkInstallScripts, checkNative, checkNode } from './check-runtime.js';
import { checkServer, serverUrlOf } from './check-server.js';
import { checkSettings, checkTokens } from './check-settings.js';
import type { Check, Finding, Patient } from './finding.js';

const MIB = 1024 * 1024;

const CHECKS: readonly Check[] = [
  checkNode,
  checkNative,
  checkInstallScripts,
  checkCopies,
  checkKeyv,
  checkJest,
  checkSettings,
  checkTokens,
  checkDirectory,
  checkFileSystem,
  checkSpace,
  checkLog,
  checkFile,
  checkPrimary,
];

/** For a node whose entries are on a server. It has neither a file nor a primary. */
const CHECKS_OVER_A_SERVER: readonly Check[] = [
  checkNode,
  checkCopies,
  checkKeyv,
  checkJest,
  checkSettings,
  checkTokens,
  checkServer,
];

/** The part of a patient that the caller must give. The rest is this machine's. @internal */
export type Complaint = Pick<
  Patient,
  'application' | 'directory' | 'environment' | 'url' | 'apiPath'
> &
  Partial<Patient>;

/**
 * Checks everything that can keep a node from working, and changes nothing.
 *
 * @internal
 */
export async function examine(complaint: Complaint): Promise<Finding[]> {
  const patient: Patient = {
    nodeVersion: process.versions.node,
    nodeApi: Number(process.versions['napi']),
    statFs: statfsSync,
    maxCheckedBytes: 256 * MIB,
    feedTimeoutMs: 5000,
    ...complaint,
  };
  const findings: Finding[] = [];
  const checks = serverUrlOf(patient) === undefined ? CHECKS : CHECKS_OVER_A_SERVER;
  for (const check of checks) findings.push(...(await check(patient)));
  return findings;
}
