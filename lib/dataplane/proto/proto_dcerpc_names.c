// Names of the interfaces of DCE/RPC and of their operations: the interface definitions of the MS-* documents, and C706 appendix O.
#include "proto/proto_dcerpc_pdu.h"

static const char *const srvsvc[] = {[8] = "NetrConnectionEnum", [9] = "NetrFileEnum", [12] = "NetrSessionEnum", [14] = "NetrShareAdd",
	[15] = "NetrShareEnum", [16] = "NetrShareGetInfo", [18] = "NetrShareDel", [21] = "NetrServerGetInfo", [28] = "NetrRemoteTOD"};
static const char *const svcctl[] = {[0] = "RCloseServiceHandle", [1] = "RControlService", [2] = "RDeleteService", [6] = "RQueryServiceStatus",
	[11] = "RChangeServiceConfigW", [12] = "RCreateServiceW", [14] = "REnumServicesStatusW", [15] = "ROpenSCManagerW", [16] = "ROpenServiceW",
	[17] = "RQueryServiceConfigW", [19] = "RStartServiceW", [24] = "RCreateServiceA", [27] = "ROpenSCManagerA", [28] = "ROpenServiceA",
	[31] = "RStartServiceA", [42] = "REnumServicesStatusExW"};
static const char *const samr[] = {[0] = "SamrConnect", [1] = "SamrCloseHandle", [3] = "SamrQuerySecurityObject", [5] = "SamrLookupDomainInSamServer",
	[6] = "SamrEnumerateDomainsInSamServer", [7] = "SamrOpenDomain", [8] = "SamrQueryInformationDomain", [11] = "SamrEnumerateGroupsInDomain",
	[12] = "SamrCreateUserInDomain", [13] = "SamrEnumerateUsersInDomain", [15] = "SamrEnumerateAliasesInDomain", [16] = "SamrGetAliasMembership",
	[17] = "SamrLookupNamesInDomain", [18] = "SamrLookupIdsInDomain", [19] = "SamrOpenGroup", [25] = "SamrGetMembersInGroup", [27] = "SamrOpenAlias",
	[33] = "SamrGetMembersInAlias", [34] = "SamrOpenUser", [35] = "SamrDeleteUser", [36] = "SamrQueryInformationUser", [39] = "SamrGetGroupsForUser",
	[40] = "SamrQueryDisplayInformation", [50] = "SamrCreateUser2InDomain", [55] = "SamrUnicodeChangePasswordUser2", [57] = "SamrConnect2",
	[58] = "SamrSetInformationUser2", [62] = "SamrConnect4", [64] = "SamrConnect5"};
static const char *const lsarpc[] = {[0] = "LsarClose", [2] = "LsarEnumeratePrivileges", [6] = "LsarOpenPolicy", [7] = "LsarQueryInformationPolicy",
	[11] = "LsarEnumerateAccounts", [13] = "LsarEnumerateTrustedDomains", [14] = "LsarLookupNames", [15] = "LsarLookupSids", [28] = "LsarOpenSecret",
	[42] = "LsarRetrievePrivateData", [44] = "LsarOpenPolicy2", [45] = "LsarGetUserName", [46] = "LsarQueryInformationPolicy2",
	[57] = "LsarLookupSids2", [58] = "LsarLookupNames2", [68] = "LsarLookupNames3", [76] = "LsarLookupSids3", [77] = "LsarLookupNames4"};
static const char *const netlogon[] = {[2] = "NetrLogonSamLogon", [4] = "NetrServerReqChallenge", [5] = "NetrServerAuthenticate", [6] = "NetrServerPasswordSet",
	[7] = "NetrDatabaseDeltas", [15] = "NetrServerAuthenticate2", [20] = "DsrGetDcName", [21] = "NetrLogonGetCapabilities",
	[26] = "NetrServerAuthenticate3", [27] = "DsrGetDcNameEx", [29] = "NetrLogonGetDomainInfo", [30] = "NetrServerPasswordSet2",
	[34] = "DsrGetDcNameEx2", [39] = "NetrLogonSamLogonEx", [40] = "DsrEnumerateDomainTrusts"};
static const char *const drsuapi[] = {[0] = "DRSBind", [1] = "DRSUnbind", [2] = "DRSReplicaSync", [3] = "DRSGetNCChanges", [4] = "DRSUpdateRefs",
	[5] = "DRSReplicaAdd", [6] = "DRSReplicaDel", [8] = "DRSVerifyNames", [12] = "DRSCrackNames", [13] = "DRSWriteSPN", [16] = "DRSDomainControllerInfo"};
static const char *const epmapper[] = {"ept_insert", "ept_delete", "ept_lookup", "ept_map", "ept_lookup_handle_free", "ept_inq_object", "ept_mgmt_delete"};
static const char *const winreg[] = {[0] = "OpenClassesRoot", [1] = "OpenCurrentUser", [2] = "OpenLocalMachine", [4] = "OpenUsers", [5] = "BaseRegCloseKey",
	[6] = "BaseRegCreateKey", [7] = "BaseRegDeleteKey", [8] = "BaseRegDeleteValue", [9] = "BaseRegEnumKey", [10] = "BaseRegEnumValue",
	[15] = "BaseRegOpenKey", [16] = "BaseRegQueryInfoKey", [17] = "BaseRegQueryValue", [20] = "BaseRegSaveKey", [22] = "BaseRegSetValue",
	[26] = "BaseRegGetVersion"};
static const char *const wkssvc[] = {[0] = "NetrWkstaGetInfo", [2] = "NetrWkstaUserEnum", [5] = "NetrWkstaTransportEnum", [22] = "NetrJoinDomain2",
	[30] = "NetrEnumerateComputerNames"};
static const char *const atsvc[] = {"NetrJobAdd", "NetrJobDel", "NetrJobEnum", "NetrJobGetInfo"};
static const char *const tasks[] = {"SchRpcHighestVersion", "SchRpcRegisterTask", "SchRpcRetrieveTask", "SchRpcCreateFolder", "SchRpcSetSecurity",
	"SchRpcGetSecurity", "SchRpcEnumFolders", "SchRpcEnumTasks", "SchRpcEnumInstances", "SchRpcGetInstanceInfo", "SchRpcStopInstance", "SchRpcStop",
	"SchRpcRun", "SchRpcDelete"};
static const char *const spoolss[] = {[0] = "RpcEnumPrinters", [1] = "RpcOpenPrinter", [10] = "RpcEnumPrinterDrivers", [17] = "RpcStartDocPrinter",
	[29] = "RpcClosePrinter", [65] = "RpcRemoteFindFirstPrinterChangeNotificationEx", [69] = "RpcOpenPrinterEx", [89] = "RpcAddPrinterDriverEx"};
static const char *const efs[] = {"EfsRpcOpenFileRaw", "EfsRpcReadFileRaw", "EfsRpcWriteFileRaw", "EfsRpcCloseRaw", "EfsRpcEncryptFileSrv",
	"EfsRpcDecryptFileSrv", "EfsRpcQueryUsersOnFile"};
static const char *const activator[] = {[3] = "RemoteGetClassObject", [4] = "RemoteCreateInstance"};
static const char *const oxid[] = {"ResolveOxid", "SimplePing", "ComplexPing", "ServerAlive", "ResolveOxid2", "ServerAlive2"};
static const char *const unknown2[] = {[3] = "RemQueryInterface", [4] = "RemAddRef", [5] = "RemRelease"};
static const char *const wbem_login[] = {[3] = "EstablishPosition", [4] = "RequestChallenge", [5] = "WBEMLogin", [6] = "NTLMLogin"};
static const char *const wbem[] = {[3] = "OpenNamespace", [6] = "GetObject", [12] = "PutInstance", [18] = "CreateInstanceEnum", [20] = "ExecQuery",
	[22] = "ExecNotificationQuery", [24] = "ExecMethod", [25] = "ExecMethodAsync"};
static const char *const backup[] = {"BackuprKey"};
static const char *const dfs[] = {[0] = "NetrDfsManagerGetVersion", [1] = "NetrDfsAdd", [2] = "NetrDfsRemove", [5] = "NetrDfsEnum",
	[12] = "NetrDfsAddStdRoot", [13] = "NetrDfsRemoveStdRoot"};
static const char *const mgmt[] = {"inq_if_ids", "inq_stats", "is_server_listening", "stop_server_listening", "inq_princ_name"};
static const char *const dssetup[] = {"DsRolerGetPrimaryDomainInformation"};
static const char *const initshutdown[] = {"BaseInitiateShutdown", "BaseAbortShutdown", "BaseInitiateShutdownEx"};

#define OPS(list) list, sizeof(list) / sizeof((list)[0])

static const struct interface {
	const char *uuid, *name;
	const char *const *operations;
	unsigned count;
} interfaces[] = {
	{"e1af8308-5d1f-11c9-91a4-08002b14a0fa", "epmapper", OPS(epmapper)},
	{"4b324fc8-1670-01d3-1278-5a47bf6ee188", "srvsvc", OPS(srvsvc)},
	{"367abb81-9844-35f1-ad32-98f038001003", "svcctl", OPS(svcctl)},
	{"12345778-1234-abcd-ef00-0123456789ac", "samr", OPS(samr)},
	{"12345778-1234-abcd-ef00-0123456789ab", "lsarpc", OPS(lsarpc)},
	{"12345678-1234-abcd-ef00-01234567cffb", "netlogon", OPS(netlogon)},
	{"e3514235-4b06-11d1-ab04-00c04fc2dcd2", "drsuapi", OPS(drsuapi)},
	{"338cd001-2244-31f1-aaaa-900038001003", "winreg", OPS(winreg)},
	{"6bffd098-a112-3610-9833-46c3f87e345a", "wkssvc", OPS(wkssvc)},
	{"1ff70682-0a51-30e8-076d-740be8cee98b", "atsvc", OPS(atsvc)},
	{"86d35949-83c9-4044-b424-db363231fd0c", "ITaskSchedulerService", OPS(tasks)},
	{"378e52b0-c0a9-11cf-822d-00aa0051e40f", "sasec", NULL, 0},
	{"12345678-1234-abcd-ef00-0123456789ab", "spoolss", OPS(spoolss)},
	{"76f03f96-cdfd-44fc-a22c-64950a001209", "iremotewinspool", NULL, 0},
	{"ae33069b-a2a8-46ee-a235-ddfd339be281", "irpcremoteobject", NULL, 0},
	{"c681d488-d850-11d0-8c52-00c04fd90f7e", "efsrpc", OPS(efs)},
	{"df1941c5-fe89-4e79-bf10-463657acf44d", "efsrpc", OPS(efs)},
	{"000001a0-0000-0000-c000-000000000046", "ISystemActivator", OPS(activator)},
	{"99fcfec4-5260-101b-bbcb-00aa0021347a", "IOXIDResolver", OPS(oxid)},
	{"4d9f4ab8-7d1c-11cf-861e-0020af6e7c57", "IActivation", NULL, 0},
	{"00000131-0000-0000-c000-000000000046", "IRemUnknown", OPS(unknown2)},
	{"00000143-0000-0000-c000-000000000046", "IRemUnknown2", OPS(unknown2)},
	{"00000136-0000-0000-c000-000000000046", "ISCMLocalActivator", NULL, 0},
	{"000001a1-0000-0000-c000-000000000046", "IActivationPropertiesIn", NULL, 0},
	{"00020400-0000-0000-c000-000000000046", "IDispatch", NULL, 0},
	{"f309ad18-d86a-11d0-a075-00c04fb68820", "IWbemLevel1Login", OPS(wbem_login)},
	{"9556dc99-828c-11cf-a37e-00aa003240c7", "IWbemServices", OPS(wbem)},
	{"d4781cd6-e5d3-44df-ad94-930efe48a887", "IWbemLoginClientID", NULL, 0},
	{"9f6c78ef-fce5-42fa-abea-3e7df91921dc", "IWbemLoginClientIDEx", NULL, 0},
	{"1c1c45ee-4395-11d2-b60b-00104b703efd", "IWbemFetchSmartEnum", NULL, 0},
	{"423ec01e-2e35-11d2-b604-00104b703efd", "IWbemWCOSmartEnum", NULL, 0},
	{"027947e1-d731-11ce-a357-000000000001", "IEnumWbemClassObject", NULL, 0},
	{"3dde7c30-165d-11d1-ab8f-00805f14db40", "BackupKey", OPS(backup)},
	{"4fc742e0-4a10-11cf-8273-00aa004ae673", "netdfs", OPS(dfs)},
	{"afa8bd80-7d8a-11c9-bef4-08002b102989", "mgmt", OPS(mgmt)},
	{"3919286a-b10c-11d0-9ba8-00c04fd92ef5", "dssetup", OPS(dssetup)},
	{"894de0c0-0d55-11d3-a322-00c04fa321a1", "InitShutdown", OPS(initshutdown)},
	{"d95afe70-a6d5-4259-822e-2c84da1ddb0d", "WindowsShutdown", NULL, 0},
	{"82273fdc-e32a-18c3-3f78-827929dc23ea", "eventlog", NULL, 0},
	{"f6beaff7-1e19-4fbb-9f8f-b89e2018337c", "IEventService", NULL, 0},
	{"6b5bdd1e-528c-422c-af8c-a4079be4fe48", "RemoteFW", NULL, 0},
	{"50abc2a4-574d-40b3-9d66-ee4fd5fba076", "DnsServer", NULL, 0},
	{"a8e0653c-2744-4389-a61d-7373df8b2292", "FileServerVssAgent", NULL, 0},
	{"f5cc5a18-4264-101a-8c59-08002b2f8426", "nspi", NULL, 0},
	{"a4f1db00-ca47-1067-b31f-00dd010662da", "emsmdb", NULL, 0},
	{"1544f5e0-613c-11d1-93df-00c04fd7bd09", "rfr", NULL, 0},
	{"5a7b91f8-ff00-11d0-a9b2-00c04fb6e6fc", "msgsvc", NULL, 0},
	{"17fdd703-1827-4e34-79d4-24a55c53bb37", "msgsvc_2", NULL, 0},
	{"300f3532-38cc-11d0-a3f0-0020af6b0add", "trkwks", NULL, 0},
	{"4da1c422-943d-11d1-acae-00c04fc2aa3f", "trksvr", NULL, 0},
	{"8d9f4e40-a03d-11ce-8f69-08003e30051b", "pnp", NULL, 0},
	{"906b0ce0-c70b-1067-b317-00dd010662da", "IXnRemote", NULL, 0},
	{"91ae6020-9e3c-11cf-8d7c-00aa00c091be", "icertpassage", NULL, 0},
	{"d99e6e70-fc88-11d0-b498-00a0c90312f3", "ICertRequestD", NULL, 0},
	{"d99e6e71-fc88-11d0-b498-00a0c90312f3", "ICertAdminD", NULL, 0},
	{"5422fd3a-d4b8-4cef-a12e-e87d4ca22e90", "ICertRequestD2", NULL, 0},
	{"2f5f3220-c126-1076-b549-074d078619da", "nddeapi", NULL, 0},
	{"2f5f6520-ca46-1067-b319-00dd010662da", "tapsrv", NULL, 0},
	{"4b112204-0e19-11d3-b42b-0000f81feb9f", "ssdpsrv", NULL, 0},
	{"5ca4a760-ebb1-11cf-8611-00a0245420ed", "TermServerIcaApi", NULL, 0},
	{"bde95fdf-eee0-45de-9e12-e5a61cd0d4fe", "RpcLicensing", NULL, 0},
	{"45f52c28-7f9f-101a-b52b-08002b2efabe", "winsif", NULL, 0},
	{"811109bf-a4e1-11d1-ab54-00a0c91e9b45", "winsi2", NULL, 0},
	{"fdb3a030-065f-11d1-bb9b-00a024ea5525", "qmcomm", NULL, 0},
	{"f5cc59b4-4264-101a-8c59-08002b2f8426", "frsrpc", NULL, 0},
	{"897e2e5f-93f3-4376-9c9c-fd2277495c27", "FrsTransport", NULL, 0},
};

enum { INTERFACES = sizeof(interfaces) / sizeof(interfaces[0]) };
_Static_assert(INTERFACES < 256, "a place in the list is a byte");

const char *dcerpc_interface_name(unsigned interface)
{
	return interface > 0 && interface <= INTERFACES ? interfaces[interface - 1].name : NULL;
}

unsigned dcerpc_interface_find(const char *uuid)
{
	for (unsigned i = 0; i < INTERFACES; i++)
		if (strcmp(interfaces[i].uuid, uuid) == 0)
			return i + 1;
	return 0;
}

const char *dcerpc_operation_name(unsigned interface, uint16_t opnum)
{
	const struct interface *row;

	if (interface == 0 || interface > INTERFACES)
		return NULL;
	row = &interfaces[interface - 1];
	return opnum < row->count ? row->operations[opnum] : NULL;
}
