-- Where the holder of a lease answers, for processes that pass on what they cannot answer themselves.
alter table leases add column url text not null default '';
