-- A line and an entry of an order's history are known by their order and their number in it: nobody
-- looks for one by its id, and a second unique index a row is no small part of what an order costs.
alter table vyapar.order_items drop constraint order_items_pkey;
alter table vyapar.order_items add constraint order_items_pkey primary key using index order_items_order;
alter table vyapar.order_status_history drop constraint order_status_history_pkey;
alter table vyapar.order_status_history
    add constraint order_status_history_pkey primary key using index order_status_history_order;

-- Entries of orders, which are most of all, come last in it, where the newest page is at hand; by
-- type they lay in the middle.
create index audit_logs_of_entity on vyapar.audit_logs (entity_id, entity_type, id);
drop index vyapar.audit_logs_entity;
alter index vyapar.audit_logs_of_entity rename to audit_logs_entity;
