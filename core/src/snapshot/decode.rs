//! Reads a snapshot. It trusts nothing in it, and counts memory before allocating it.

use super::bytes::Reader;
use super::error::{Malformed, SnapshotError};
use super::{FORMAT, HEADER_BYTES, MAGIC, SavedGroup, SavedMember, SavedTopic, Snapshot, Written};
use crate::limits::Limits;
use crate::route::{FilterServers, GroupId, Mapping, QueueFragment, QueueId, QueueRef};
use crate::table_size as size;
use crate::time::{Duration, WallTime};
use crate::wire::QueueValues;
use crate::wire::register::{DataVersion, read_filter_servers, read_mapping_of};
use alloc::sync::Arc;
use alloc::vec::Vec;

type Result<T> = core::result::Result<T, SnapshotError>;

impl Snapshot {
    /// Reads a snapshot file.
    ///
    /// # Errors
    /// The file is damaged, comes from another release, or holds more than the limits allow for registrations.
    pub fn decode(file: &[u8], limits: &Limits) -> Result<Self> {
        let mut reader = Reader(payload(file)?);
        let room = Room { left: limits.registry_bytes_max, max: limits.registry_bytes_max };
        let mut decoder = Decoder { room, topics_max: limits.topics_per_registration_max };
        let snapshot = decoder.snapshot(&mut reader)?;
        if reader.0.is_empty() { Ok(snapshot) } else { Err(Malformed::Surplus.into()) }
    }

    /// Returns the length in bytes of the snapshot that a file begins with, as its header says.
    ///
    /// # Errors
    /// The file begins with something else, or with a snapshot of another release.
    pub fn length(file: &[u8]) -> Result<u64> {
        Header::read(file).map(|(header, _)| header.length)
    }
}

/// Returns what follows the header.
fn payload(file: &[u8]) -> Result<&[u8]> {
    let (Header { length, checksum }, payload) = Header::read(file)?;
    if length != file.len() as u64 {
        return Err(SnapshotError::Length { expected: length, found: file.len() as u64 });
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&file[..HEADER_BYTES - checksum.len()]);
    hasher.update(payload);
    if hasher.finalize() != u32::from_be_bytes(checksum) {
        return Err(SnapshotError::Checksum);
    }
    Ok(payload)
}

/// What stands in front of the payload.
struct Header {
    /// Length of the whole file in bytes.
    length: u64,
    checksum: [u8; 4],
}

impl Header {
    /// Returns the header and what follows it.
    fn read(file: &[u8]) -> Result<(Self, &[u8])> {
        let rest = file.strip_prefix(&MAGIC).ok_or(SnapshotError::NoSnapshot)?;
        let cut = SnapshotError::Length { expected: HEADER_BYTES as u64, found: file.len() as u64 };
        let (format, rest) = rest.split_first_chunk().ok_or(cut.clone())?;
        let found = u32::from_be_bytes(*format);
        if found != FORMAT {
            return Err(SnapshotError::Format { found });
        }
        let (length, rest) = rest.split_first_chunk().ok_or(cut.clone())?;
        let (checksum, rest) = rest.split_first_chunk().ok_or(cut)?;
        let length = u64::from_be_bytes(*length).saturating_add(HEADER_BYTES as u64);
        Ok((Self { length, checksum: *checksum }, rest))
    }
}

/// How much registrations may still take.
struct Room {
    left: usize,
    max: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or(SnapshotError::TooLarge { max: self.max })?;
        Ok(())
    }
}

struct Decoder {
    room: Room,
    /// How many elements a list in JSON may have.
    topics_max: usize,
}

impl Decoder {
    fn snapshot(&mut self, reader: &mut Reader<'_>) -> Result<Snapshot> {
        let written = Written {
            wall: WallTime::from_millis(reader.number()?),
            boot: reader.text()?.into(),
            since_boot: Duration::from_millis(reader.number()?),
        };
        let groups = self.list(reader, Self::group)?;
        if !groups.is_sorted_by(|one, other| one.name < other.name) {
            return Err(Malformed::Order("groups").into());
        }
        let values = self.list(reader, Self::values)?;
        let topics = self.list(reader, |decoder, reader| decoder.topic(reader, &groups, values.len()))?;
        if !topics.is_sorted_by(|one, other| one.name < other.name) {
            return Err(Malformed::Order("topics").into());
        }
        Ok(Snapshot { written, groups, values, topics })
    }

    /// Reads a list with its length in front. The length is not trusted: each element counts before it is kept.
    fn list<T>(
        &mut self,
        reader: &mut Reader<'_>,
        mut read: impl FnMut(&mut Self, &mut Reader<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let count = reader.number()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self, reader)?);
        }
        Ok(list)
    }

    fn group(&mut self, reader: &mut Reader<'_>) -> Result<SavedGroup> {
        let (name, cluster) = (reader.text()?, reader.text()?);
        let zone = reader.option(Reader::text)?;
        let enable_acting_master = reader.flag()?;
        self.room.take(size::of_group(name.len() + cluster.len() + zone.map_or(0, str::len)))?;
        let members = self.list(reader, Self::member)?;
        if !members.is_sorted_by(|one, other| one.id < other.id) {
            return Err(Malformed::Order("members of a group").into());
        }
        let mut addresses: Vec<&str> = members.iter().map(|member| &*member.address).collect();
        addresses.sort_unstable();
        if !addresses.is_sorted_by(|one, other| one < other) {
            return Err(Malformed::SameAddress.into());
        }
        if !members.iter().any(|member| *member.cluster == *cluster) {
            return Err(Malformed::Cluster.into());
        }
        let (name, cluster, zone) = (name.into(), cluster.into(), zone.map(Arc::from));
        Ok(SavedGroup { name, cluster, zone, enable_acting_master, members })
    }

    fn member(&mut self, reader: &mut Reader<'_>) -> Result<SavedMember> {
        let id = reader.signed()?;
        let (address, cluster) = (reader.text()?, reader.text()?);
        let ha_server = reader.option(Reader::text)?;
        let timeout = reader.signed()?;
        let data_version = reader.option(version)?;
        let filter_servers = reader.option(Reader::text)?;
        let names = address.len() + cluster.len() + ha_server.map_or(0, str::len);
        // In memory, the address stands before the list.
        self.room.take(size::of_member(names, filter_servers.map_or(0, |list| list.len() + address.len() + 3)))?;
        let address: Arc<str> = address.into();
        let filter_servers = match filter_servers {
            None => None,
            Some(list) => Some(self.filter_servers(&address, list)?),
        };
        let lease_left = reader.option(Reader::number)?.map(Duration::from_millis);
        let (cluster, ha_server) = (cluster.into(), ha_server.map(Arc::from));
        Ok(SavedMember { id, address, cluster, ha_server, timeout, data_version, filter_servers, lease_left })
    }

    fn filter_servers(&self, address: &Arc<str>, list: &str) -> Result<FilterServers> {
        let servers = read_filter_servers(list, self.topics_max).ok().flatten();
        let servers = servers.ok_or(Malformed::Json("a list of filter servers"))?;
        Ok(FilterServers::new(Arc::clone(address), servers.iter().map(|server| &**server)))
    }

    fn values(&mut self, reader: &mut Reader<'_>) -> Result<QueueValues> {
        let mut number = || i32::try_from(reader.signed()?).map_err(|_| Malformed::Number);
        let (read_queue_nums, write_queue_nums) = (number()?, number()?);
        let (perm, topic_sys_flag) = (number()?, number()?);
        let values = QueueValues { read_queue_nums, write_queue_nums, perm, topic_sys_flag };
        self.room.take(size::of_queue_values(QueueFragment::new(values).json.len()))?;
        Ok(values)
    }

    fn topic(&mut self, reader: &mut Reader<'_>, groups: &[SavedGroup], values: usize) -> Result<SavedTopic> {
        let name = reader.text()?;
        let mut entries: Vec<QueueRef> = Vec::new();
        for _ in 0..reader.number()? {
            let first = reader.below(groups.len())?;
            let count = reader.below(groups.len() - first + 1)?;
            let queue = QueueId::at(reader.below(values)?);
            if entries.last().is_some_and(|last| last.group.index() >= first) || count == 0 {
                return Err(Malformed::Order("entries of a topic").into());
            }
            self.room.take(count.saturating_mul(size::of_entry(name)))?;
            entries.extend((first..first + count).map(|group| QueueRef { group: GroupId::at(group), queue }));
        }
        let mappings = self.list(reader, |decoder, reader| decoder.mapping(reader, name, groups.len()))?;
        if !mappings.is_sorted_by(|one, other| one.broker_name < other.broker_name) {
            return Err(Malformed::Order("mappings of a topic").into());
        }
        if entries.is_empty() && mappings.is_empty() {
            return Err(Malformed::EmptyTopic.into());
        }
        Ok(SavedTopic { name: name.into(), entries, mappings })
    }

    fn mapping(&mut self, reader: &mut Reader<'_>, topic: &str, groups: usize) -> Result<Mapping> {
        let owner = GroupId::at(reader.below(groups)?);
        let (broker_name, object) = (reader.text()?, reader.text()?);
        // The mapping's owner may have no entry of the topic, and its JSON is kept in two dialects.
        self.room.take(size::of_entry(topic) + size::of_mapping_text(2 * (object.len() + broker_name.len())))?;
        let malformed = Malformed::Json("a static-topic mapping");
        let mapping = read_mapping_of(object, self.topics_max).ok().flatten().ok_or(malformed)?;
        Ok(Mapping::new(&mapping, broker_name, owner))
    }
}

fn version(reader: &mut Reader<'_>) -> core::result::Result<DataVersion, Malformed> {
    let state_version = reader.signed()?;
    let counter = reader.option(Reader::signed)?;
    Ok(DataVersion { state_version, counter, timestamp: reader.signed()? })
}
